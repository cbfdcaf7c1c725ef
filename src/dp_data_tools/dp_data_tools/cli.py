# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""`dp_data_tools <verb>`: looks at recordings and makes datasets of them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module
import os
import sys

from dp_core.errors import DpError

# verb -> what it does; its arguments and its work are in dp_data_tools.verbs.<verb>
VERBS = {
    'record': 'record episodes of a robot; needs ROS',
    'recover': 'make whole bags of what a killed recording left',
    'info': 'show the topics of a bag',
    'convert': 'make a dataset of bags',
    'export': 'make a LeRobot dataset of ours, or ours of a LeRobot dataset',
    'check': 'tell what is wrong with bags or datasets',
    'stats': 'print what is in a dataset, as JSON',
    'view': 'draw an episode: film strip and plots',
}
EXAMPLE = """\
examples:
  ros2 bag record -o take_01 /joint_states /joint_commands /front_camera/image_raw/compressed
  dp_data_tools info take_01
  dp_data_tools convert take_* --contract contract.yaml --action-topic /joint_commands \\
      --output datasets/demo
  dp_train ...            # on datasets/demo
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return its exit status, 1 after an error message, 130 after Ctrl-C."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser(arguments[:1]).parse_args(arguments)
    try:
        return int(options.run(options))
    except DpError as error:
        print(f'dp_data_tools {options.verb}: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f'dp_data_tools {options.verb}: interrupted', file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141  # 128 + SIGPIPE, as a shell says


def record() -> int:
    """Run the verb record: `ros2 run dp_data_tools episode_recorder`."""
    return main(['record', *sys.argv[1:]])


def _parser(chosen: Sequence[str]) -> argparse.ArgumentParser:
    """Parser of all verbs; only the module of the chosen one is loaded."""
    parser = argparse.ArgumentParser(
        prog='dp_data_tools',
        description='From rosbag2 recordings to training datasets.',
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest='verb', required=True, metavar='VERB')
    for name, words in VERBS.items():
        verb = verbs.add_parser(name, help=words, formatter_class=parser.formatter_class)
        if name in chosen:
            module = import_module(f'dp_data_tools.verbs.{name}')
            verb.description, verb.epilog = words[0].upper() + words[1:] + '.', module.EXAMPLE
            module.add_arguments(verb)
            verb.set_defaults(run=module.run)
    return parser


if __name__ == '__main__':
    sys.exit(main())

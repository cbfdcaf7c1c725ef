# Copyright 2026 The dp_ros2 authors
# SPDX-License-Identifier: Apache-2.0
"""What the Diffusion Policy paper claims, each claim as one small experiment to read and run.

A claim is a module of this folder, entered in `catalogue.py`. Its docstring says what is claimed
(first line), where in the paper, what is done here and what would refute it. It offers

    run(options: Options) -> dict   plain figures; 'verdicts' holds one `verdict(...)` per bound
    plot(result, figure) -> None    the picture, on an empty matplotlib figure

`dp_eval claim NAME --output DIR` runs it and writes DIR/NAME.json and DIR/NAME.png.
"""

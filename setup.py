"""What pyproject.toml cannot say about the build: how the package index shows the README.

There, links to files of this project lead nowhere. So a file is named instead.
"""

import re
from pathlib import Path

from setuptools import setup

README = Path(__file__).with_name("README.md").read_text(encoding="utf-8")

setup(
    long_description=re.sub(r"\[([^]]*)\]\((?!https:)([^)]*)\)", r"\1 (\2)", README),
    long_description_content_type="text/markdown",
)

"""An installable package of the project's spaCy pipeline: `pip install` it anywhere, then `spacy.load("nl_wijzer")`.

It is what `spacy package` makes, with the code of the project's own components beside the data: the package needs nothing of
this project.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from bot.language.pipeline import PACKAGE_NAME, PIPELINE_VERSION, build_pipeline

HERE = Path(__file__).resolve().parent
# The components, and what they import and read.
SHIPPED_CODE = ("chat_components.py", "spelling.py", "sounding.py")
SHIPPED_DATA = ("common_words.txt",)
REQUIRED_PACKAGES = ("spacy-lookups-data", "rapidfuzz")
FORMATS = {"wheel": "bdist_wheel", "sdist": "sdist"}


class PackagingError(RuntimeError):
    """The package could not be built; the message holds what setuptools said."""


def package_pipeline(directory: Path, kind: str = "wheel") -> Path:
    """Build the pipeline from its sources and pack it; works without a network.

    Args:
        directory: where the package's sources and, in `dist/` below them, the file to install are written.
        kind: `wheel` or `sdist`.

    Returns:
        The file to give to `pip install`.

    Raises:
        PackagingError: setuptools failed.
    """
    from spacy.cli.package import package

    directory.mkdir(parents=True, exist_ok=True)
    data = directory / "data"
    shutil.rmtree(data, ignore_errors=True)
    build_pipeline().to_disk(data)
    package(data, directory, create_sdist=False, create_wheel=False, force=True)
    shutil.rmtree(data)
    sources = directory / f"{PACKAGE_NAME}-{PIPELINE_VERSION}"
    _ship_code(sources / PACKAGE_NAME)
    _declare(sources)
    return _built(sources, kind)


def _ship_code(package: Path) -> None:
    """The components' modules as a part of the package, registered when it is imported."""
    for name in SHIPPED_CODE:
        code = (HERE / name).read_text(encoding="utf-8")
        (package / name).write_text(code.replace("from bot.language.", f"from {PACKAGE_NAME}."), encoding="utf-8")
    for name in SHIPPED_DATA:
        shutil.copy(HERE / name, package / name)
    start = package / "__init__.py"
    start.write_text("from . import chat_components\n" + start.read_text(encoding="utf-8"), encoding="utf-8")


def _declare(sources: Path) -> None:
    """What the package needs, in place of this project, and that its data files belong to it."""
    file = sources / "meta.json"
    meta = json.loads(file.read_text(encoding="utf-8"))
    meta["requirements"] = [f"{name}>={version(name)}" for name in REQUIRED_PACKAGES]
    file.write_text(json.dumps(meta, indent=2, ensure_ascii=False), encoding="utf-8")
    (sources / "setup.cfg").write_text("[options]\ninclude_package_data = True\n", encoding="utf-8")
    with (sources / "MANIFEST.in").open("a", encoding="utf-8") as manifest:
        manifest.write(f"\nrecursive-include {PACKAGE_NAME} *\n")


def _built(sources: Path, kind: str) -> Path:
    shutil.rmtree(sources / "dist", ignore_errors=True)
    done = subprocess.run(
        [sys.executable, "setup.py", "--quiet", FORMATS[kind]], cwd=sources, capture_output=True, text=True, check=False
    )
    built = list((sources / "dist").glob("*"))
    if done.returncode != 0 or len(built) != 1:
        raise PackagingError(f"packing {sources} failed: {done.stderr}")
    return built[0]


if __name__ == "__main__":
    print(package_pipeline(Path(sys.argv[1] if len(sys.argv) > 1 else "dist"), *sys.argv[2:3]))

"""The licences of all that is built into the program, as their authors want them handed out with it.

    cargo metadata --format-version 1 --locked --features onnx,mcp,milvus,otel --filter-platform TRIPLE | python deploy/third_party.py

Texts that several crates share to the letter are printed once. A crate that comes without a text is named with its licence's
name.
"""

import json
import sys
from pathlib import Path

NAMES = ("licen", "copying", "notice", "copyright", "unlicense")


def built_in(metadata: dict) -> list[dict]:
    """The packages that the program is linked with: neither tests' nor those that only run when it is built."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    root = metadata["resolve"]["root"]
    seen, left = {root}, [root]
    while left:
        for needed in nodes[left.pop()]["deps"]:
            is_linked = any(kind["kind"] is None for kind in needed["dep_kinds"])
            if is_linked and needed["pkg"] not in seen:
                seen.add(needed["pkg"])
                left.append(needed["pkg"])
    packages = (package for package in metadata["packages"] if package["id"] in seen - {root})
    return sorted(packages, key=lambda package: (package["name"], package["version"]))


def texts(package: dict) -> list[str]:
    folder = Path(package["manifest_path"]).parent
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name.lower().startswith(NAMES))
    return [path.read_text(encoding="utf-8", errors="replace").strip() for path in files]


def main() -> None:
    users: dict[str, list[str]] = {}
    for package in built_in(json.load(sys.stdin)):
        name = f"{package['name']} {package['version']} ({package['license'] or 'see its text'})"
        for text in texts(package) or ["(comes without a text)"]:
            users.setdefault(text, []).append(name)
    for text, names in users.items():
        print("=" * 100, *names, "-" * 100, text, "", sep="\n")


if __name__ == "__main__":
    main()

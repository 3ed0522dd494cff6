"""What the pages link to outside of docs/, as pages of the site.

README, examples, grammar and licence stand at the top of the repository, where MkDocs
does not look. Links to them lead to pages that are made of them here, so that the same
text serves in the repository and on the site.
"""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
#: Where a link of a page in docs/ leads on the site.
FROM_DOCS = {
    "../README.md": "readme.md",
    "../examples": "examples.md",
    "../grammar/crn.lark": "grammar.md",
    "editors": "editors.md#vs-code",
}
#: Where a link of the README leads.
FROM_README = {"examples": "examples.md", "LICENSE": "licence.txt"}
LINK = re.compile(r"(?<=\]\()(?P<target>[^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made of what stands outside."""
    pages = {
        "readme.md": _readme(),
        "examples.md": _examples(),
        "grammar.md": _page("The grammar", "lark", _read("grammar/crn.lark")),
        "licence.txt": _read("LICENSE"),
    }
    for name, content in pages.items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(
    markdown: str, page: Page, config: MkDocsConfig, files: Files
) -> str:
    """Turn links that lead outside to the pages above."""
    return _turned(markdown, FROM_DOCS)


def _turned(markdown: str, targets: dict[str, str]) -> str:
    return LINK.sub(lambda link: targets.get(link[0], link[0]), markdown)


def _readme() -> str:
    text = _turned(_read("README.md"), FROM_README)
    return text.replace("](docs/", "](")


def _examples() -> str:
    """Every example below its name."""
    pages = ["# The examples", "", "How well each is solved: [gallery](gallery.md)."]
    for path in sorted((ROOT / "examples").glob("*.crn")):
        pages += ["", f"## {path.stem}", "", _fenced("crn", path.read_text("utf-8"))]
    return "\n".join(pages) + "\n"


def _page(title: str, language: str, text: str) -> str:
    return f"# {title}\n\n{_fenced(language, text)}\n"


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"


def _read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")

"""The parser's tables: kept, checked when read, and made again where that fails."""

import pytest

from crnlang.frontend.grammar import load_parser

make_parser = load_parser.__wrapped__
TEXT = "species A in 0..84 = 2E1 # why"


def tokens_of(parser):
    return [(token.type, str(token)) for token in parser.lex(TEXT)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "crnlang"


def test_kept_tables_give_the_same_parser(folder):
    made = make_parser()
    (file,) = folder.iterdir()
    before = file.read_bytes()
    kept = make_parser()
    assert kept.source_path != made.source_path
    assert tokens_of(kept) == tokens_of(made)
    assert kept.parse("0 -> A @ k") == made.parse("0 -> A @ k")
    assert file.read_bytes() == before
    assert [path.name for path in folder.iterdir()] == [file.name]


@pytest.mark.parametrize("place", [0, 40, -1])
def test_damaged_tables_are_made_again(folder, place):
    made = make_parser()
    (file,) = folder.iterdir()
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)
    assert tokens_of(make_parser()) == tokens_of(made)
    assert file.read_bytes() != content


def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert tokens_of(make_parser())
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_user_without_a_home_has_no_cache(monkeypatch):
    def homeless():
        raise RuntimeError

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("crnlang.cache.Path.home", homeless)
    assert tokens_of(make_parser())

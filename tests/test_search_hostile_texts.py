"""Foreign text in files for other programs: Markdown, tables and shells show it and do not execute it."""

from search.claims import markdown


def test_the_table_of_claims_shows_foreign_text_as_text() -> None:
    hostile = "<script>alert(1)</script> | x\n| y |\u202e ![i](http://x) \\"
    claim = dict.fromkeys(("claim", "paper", "ours", "answer", "limit"), hostile)
    table = markdown([{"claims": [claim]}])
    assert len(table.splitlines()) == 3
    row = table.splitlines()[-1]
    assert "<" not in row
    assert "\u202e" not in row
    assert row.replace("\\|", "").count("|") == 6
    assert "!\\[i\\](http" in row

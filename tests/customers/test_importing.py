"""A table of customers: two encodings, Chinese headings, and every fault with its line, column and remedy."""

from __future__ import annotations

import pytest

from customers.importing import MOST_LINES, Read, read


def canonical(text: str) -> str:
    digits = "".join(each for each in text if each.isdecimal())
    return f"+86{digits}" if len(digits) >= 7 else ""


def table(text: str, encoding: str = "utf-8") -> Read:
    return read(text.encode(encoding), canonical)


@pytest.mark.parametrize(
    ("encoding", "named"), [("utf-8", "utf-8-sig"), ("utf-8-sig", "utf-8-sig"), ("gb18030", "gb18030")]
)
def test_both_encodings_and_chinese_headings_are_read(encoding: str, named: str) -> None:
    found = table(
        "客户编号,姓名,手机,级别,注册日期\r\nA-1,王𠮷,138 0013 8000;13800138001,vip,2020年1月5日\r\n", encoding
    )
    assert (found.encoding, found.count, found.wrong) == (named, 1, [])
    (line,) = found.lines
    assert line.numbers == ("+8613800138000", "+8613800138001")
    assert dict(line.texts) == {"ref": "A-1", "name": "王𠮷", "class": "vip", "registered": "2020-01-05"}


def test_several_columns_of_numbers_and_other_separators_are_read() -> None:
    found = table("name;phone1;phone2\nWang;13800138000;+86 10-6552-9988\n\nLi;13800138001;\n")
    assert [line.numbers for line in found.lines] == [("+8613800138000", "+86861065529988"), ("+8613800138001",)]
    assert [line.line for line in found.lines] == [2, 4]


@pytest.mark.parametrize(
    ("text", "line", "column", "why", "do"),
    [
        ("name,number\nLi,none\n", 2, "number", "none is no telephone number", "write digits"),
        ("name,number\nLi,1.38E+10\n", 2, "number", "was rounded by a spreadsheet", "format the column as text"),
        ("name,number\nLi,13800138000\nWang,13800138000\n", 3, "number", "stands in line 2 too", "leave one"),
        ("ref,number\nA,13800138000\nA,13800138001\n", 3, "ref", "ref A stands in line 2 too", "leave one"),
        ("name,number\nLi,\n", 2, "", "neither a number nor a reference", "give one"),
        ("name,number\nLi,13800138000,x\n", 2, "", "3 cells under 2 headings", "quotation marks"),
        ("number,registered\n13800138000,2027-02-30\n", 2, "registered", "2027-02-30 is no day", "2027-01-15"),
        ("number,registered\n13800138000,1770-01-01\n", 2, "registered", "outside the years", "2027-01-15"),
        (f"number,name\n13800138000,{'x' * 81}\n", 2, "name", "longer than 80", "shorten"),
        ("number,name\n13800138000,a\x07b\n", 2, "name", "control character", "plain text"),
    ],
)
def test_a_fault_names_line_column_why_and_what_to_do(text: str, line: int, column: str, why: str, do: str) -> None:
    (fault,) = table(text).wrong
    assert (fault.line, fault.column) == (line, column)
    assert why in fault.why
    assert do in fault.do


def test_a_line_with_two_faults_has_both_and_the_good_lines_stay() -> None:
    found = table('number,registered,note\nx,y,"two\nlines"\n13800138000,,"a, b"\n')
    assert [(each.line, each.column) for each in found.wrong] == [(2, "number"), (2, "registered")]
    (line,) = found.lines
    assert (line.line, line.texts["note"]) == (4, "a, b")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "this table is empty"),
        (b"\xff\xfen\x00", "UTF-16"),
        (b"number\n\x80\xff\n", "line 2 is neither UTF-8 nor gb18030"),
        (b"phone number of Li\n1\n", 'there is no column "phone number of Li"'),
        (b"name\nLi\n", "needs a column number or ref"),
        (b'number\n"138\n', "cannot be taken apart"),
        (b"number\n" + b"1\n" * (MOST_LINES + 1), f"more than {MOST_LINES} lines"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence.replace("(", r"\(")):
        read(data, canonical)

"""Texts and names in CSV that a spreadsheet would compute."""

import csv
import io
import itertools

import pandas as pd
import pytest

from skw2c.system._spreadsheets import disarm, disarm_path, disarm_table, rearm


def test_every_text_comes_back():
    for length in range(5):
        for letters in itertools.product("='a -@\t", repeat=length):
            text = "".join(letters)
            assert rearm(disarm(text)) == text
            assert disarm(text)[:1] not in set("=+-@\t\r\n") - {""}


@pytest.mark.parametrize("text", ["rain", "'tis", "a=b", "5 o'clock", "", "..", "ünter", "/-"])
def test_plain_text_stays(text):
    assert disarm(text) == disarm_path(text) == text


def test_table():
    table = pd.DataFrame(
        {
            "file": ["=1+1.wav", "a/=2.wav", "-x.wav", None],
            "label": ["@SUM(A1)", "rain", "\tx", "+49"],
            "=score": [-1.5, 2, 3, 4],
        },
        index=[3, 3, 1, 0],
    )
    before = table.copy()
    safe = disarm_table(table, {"file"})
    rows = list(csv.reader(io.StringIO(safe.to_csv(index=False))))
    assert rows == [
        ["file", "label", "'=score"],
        ["./=1+1.wav", "'@SUM(A1)", "-1.5"],
        ["a/=2.wav", "rain", "2.0"],
        ["./-x.wav", "'\tx", "3.0"],
        ["", "'+49", "4.0"],
    ]
    pd.testing.assert_frame_equal(table, before)

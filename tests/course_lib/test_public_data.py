"""What the course downloads is still there, byte for byte."""

import pytest
import requests

from course_lib.data import download, speech, text


@pytest.mark.thorough("opens connections to the servers that hold the data")
@pytest.mark.parametrize("source", [speech.SOURCE, text.SHAKESPEARE], ids=lambda source: source.name)
def test_the_data_are_where_the_course_looks_for_them(source, monkeypatch, tmp_path):
    try:
        requests.head(source.url, timeout=600)
    except requests.ConnectionError as error:
        pytest.skip(f"no connection to the server of {source.url} ({type(error).__name__})")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.delenv("COURSE_OFFLINE", raising=False)
    assert download.fetch(source, progress=False).exists()

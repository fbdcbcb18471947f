"""Jupyter's settings in .venv, so that they hold for `.venv/bin/jupyter lab` as well: what is stored is clean, and no
newcomer is asked about news."""

import json
import sys
from pathlib import Path

from workbook.folder import disk

SAVING = {"ContentsManager": {"pre_save_hook": "workbook.folder.saving.clean"}}
NO_NEWS = {
    "@jupyterlab/apputils-extension:notification": {
        "checkForUpdates": False,
        "fetchNews": "false",
    }
}
FILES = {"jupyter_server_config.json": SAVING, "labconfig/default_setting_overrides.json": NO_NEWS}


def settle(prefix=sys.prefix):
    """Write what is missing of these settings; whatever else stands there stays, and so does what someone changed.

    Raises:
        FolderError: they cannot be written.
    """
    for name, settings in FILES.items():
        path = Path(prefix, "etc", "jupyter", name)
        there = _read(path)
        wanted = {**there, **{key: {**value, **there.get(key, {})} for key, value in settings.items()}}
        if wanted != there:
            disk.write(path, json.dumps(wanted, indent=1) + "\n")


def _read(path):
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and all(isinstance(value, dict) for value in found.values()) else {}

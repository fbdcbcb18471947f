"""Jupyter's settings in .venv, so that they hold for `.venv/bin/jupyter lab` as well: what is stored is clean, no
newcomer is asked about news, and nothing is looked for that a reader does not need."""

import json
import sys
from pathlib import Path

from workbook.folder import disk

SAVING = {"ContentsManager": {"pre_save_hook": "workbook.folder.saving.clean"}}
NO_NEWS = {"@jupyterlab/apputils-extension:notification": {"checkForUpdates": False, "fetchNews": "false"}}
NO_ERRANDS = {
    "buildCheck": False,  # whether JupyterLab itself should be built anew: seconds of work at every start
    "disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True},
}
FILES = {
    "jupyter_server_config.json": SAVING,
    "labconfig/default_setting_overrides.json": NO_NEWS,
    "labconfig/page_config.json": NO_ERRANDS,
}


def settle(prefix=sys.prefix):
    """Write what is missing of these settings; whatever else stands there stays, and so does what someone changed.

    Raises:
        FolderError: they cannot be written.
    """
    for name, settings in FILES.items():
        path = Path(prefix, "etc", "jupyter", name)
        there = _read(path)
        wanted = _with(settings, there)
        if wanted != there:
            disk.write(path, json.dumps(wanted, indent=1) + "\n")


def _with(settings, there):
    """Return what is there and, where nothing is, the settings."""
    if not isinstance(settings, dict) or not isinstance(there, dict):
        return there
    return {**settings, **there, **{key: _with(settings[key], there[key]) for key in settings if key in there}}


def _read(path):
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}

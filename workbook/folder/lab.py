"""JupyterLab, started in half the time."""

import sys

NOT_NEEDED = "{'notebook_shim': False}"  # what older programs than JupyterLab need


def run(arguments):
    """Run JupyterLab with these arguments until it is stopped."""
    # Of all that JupyterLab loads, this grammar takes longest: jsonschema would check a kind of address with it that no
    # notebook holds, and does without where it is not installed.
    sys.modules["rfc3987_syntax"] = None
    import jupyterlab.commands

    # It would ask Node.js, where there is one, from where packages come to build JupyterLab with. None is built here.
    jupyterlab.commands._yarn_config = lambda logger: {"yarn config": {}, "npm config": {}}
    from jupyterlab.labapp import main

    sys.argv = ["jupyter-lab", *arguments, f"--ServerApp.jpserver_extensions={NOT_NEEDED}"]
    return main()

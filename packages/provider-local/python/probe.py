"""Says what a Python can do: one line of JSON. Runs on Python 2.7 too, so that an old one is named as such."""
import json
import sys


def find(name):
    """(version, file) of an importable package. Really imports it: a half-broken install must not be chosen."""
    module = __import__(name)
    return getattr(module, "__version__", ""), getattr(module, "__file__", "") or ""


def main():
    # the folder of this script is no place to import packages from
    sys.path.pop(0)
    answer = {
        "version": list(sys.version_info[:3]),
        "executable": sys.executable,
        "prefix": sys.prefix,
        "basePrefix": getattr(sys, "base_prefix", sys.prefix),
        # folders in which a later install would appear
        "sitePaths": [path for path in sys.path if path.endswith("-packages")],
        "packages": {},
        "missing": [],
        "problem": "",
    }
    if sys.version_info >= (3, 8):
        # jsonschema builds a 2 s grammar from this optional package; cgpu_local.py leaves it out too
        sys.modules["rfc3987_syntax"] = None
        import importlib.util

        names = ["jupyter_server", "ipykernel"]
        answer["missing"] = [name for name in names if importlib.util.find_spec(name) is None]
        if not answer["missing"]:
            for name in names:
                try:
                    version, path = find(name)
                    if name == "jupyter_server":
                        __import__("jupyter_server.serverapp")
                    answer["packages"][name] = {"version": str(version), "path": path}
                except Exception as error:  # a broken install may raise anything
                    answer["missing"].append(name)
                    answer["problem"] = "%s: %s" % (type(error).__name__, error)
                    break
    sys.stdout.write("\n" + json.dumps(answer) + "\n")


main()

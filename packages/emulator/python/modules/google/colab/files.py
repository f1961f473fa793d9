"""Files between the machine and the browser, through scripts that the front end runs."""

import base64
import json
import os
import uuid

from IPython import display

from google.colab import output


def upload(target_dir=""):
    """Files that the user picks, saved in `target_dir`: a dict of names and bytes."""
    saved = {}
    for name, data in _picked():
        path = _free(os.path.join(target_dir, name))
        with open(path, "wb") as file:
            file.write(data)
        print("Saving %s to %s" % (name, path))
        saved[path] = data
    return saved


def upload_file(filename):
    """One file that the user picks, saved as `filename`."""
    picked = _picked()
    if len(picked) != 1:
        raise ValueError("exactly one file was expected, not %d" % len(picked))
    with open(filename, "wb") as file:
        file.write(picked[0][1])


def download(filename):
    """Has the browser save the file."""
    if not os.path.exists(filename):
        raise FileNotFoundError("Cannot find file: %s" % filename)
    words = (uuid.uuid4().hex, os.path.basename(filename), os.path.getsize(filename))
    output.eval_js("google.colab._files.download(%s)" % ", ".join(map(json.dumps, words)), ignore_result=True)


def view(filepath):
    """Has the browser show the file."""
    output.eval_js("google.colab.files.view(%s)" % json.dumps(filepath), ignore_result=True)


def _picked():
    number = uuid.uuid4().hex
    words = ", ".join(map(json.dumps, ("files-" + number, "result-" + number)))
    display.display(display.HTML('<input type="file" id="files-%s" name="files[]" multiple><output id="result-%s"></output>' % (number, number)))
    parts = {}
    answer = output.eval_js("google.colab._files._uploadFiles(%s)" % words)
    while answer["action"] != "complete":
        if answer["action"] == "append":
            parts.setdefault(answer["file"], []).append(base64.b64decode(answer["data"]))
        answer = output.eval_js('google.colab._files._uploadFilesContinue("result-%s")' % number)
    return [(os.path.basename(name), b"".join(chunks)) for name, chunks in parts.items()]


def _free(path):
    """The path, or one with a number where something is there."""
    stem, extension = os.path.splitext(path)
    number = 1
    while os.path.exists(path):
        path = "%s (%d)%s" % (stem, number, extension)
        number += 1
    return path

"""The files that go with a notebook (--include): packed beside the driver, they lie below the folder of the run before its kernel starts."""
import os
import shutil

from .kernel import Failed


def unpack(archive, included):
    """`included`: [{entry, path, executable}], see src/detach/plan.ts. Each is whole or not there. Raises Failed."""
    for one in included:
        path = one["path"]
        temporary = "%s.%d.new" % (path, os.getpid())
        try:
            folder = os.path.dirname(path)
            if folder:
                os.makedirs(folder, exist_ok=True)
            with archive.open(one["entry"]) as source, open(temporary, "wb") as target:
                shutil.copyfileobj(source, target)
            if one["executable"]:
                os.chmod(temporary, 0o755)
            os.replace(temporary, path)
        except OSError as error:
            if os.path.exists(temporary):
                os.unlink(temporary)
            raise Failed("INCLUDE_NOT_WRITTEN", "%s could not be written on the runtime: %s" % (path, error), "see whether its disk is full: cgpu exec '!df -h'", 71) from None

"""The cgpu emulator's stand-in for Colab's own library: the same requests to the front end, none of its code."""

from google.colab import auth, drive, files, output, runtime, userdata

__all__ = ["auth", "drive", "files", "output", "runtime", "userdata"]

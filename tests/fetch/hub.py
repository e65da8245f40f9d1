"""A model hub on two local ports, for tests/run_fetch.sh: the paths, codes and headers of
huggingface.co, and what can go wrong.

  hub.py FOLDER MODEL

Serves the files of the directory MODEL.  Writes FOLDER/ports ("HUB OTHER") once it listens, and
FOLDER/log, a line a request: port, method, path, Range, Authorization, "-" where there is none.
The organisation of a model's name says what goes wrong:

  good     nothing; also: good/sharded, good/bin, good/keras, good/empty, good/old (renamed)
  drop     every second answer of the other port ends after a third of its bytes
  cut      the same, and Range is not understood
  always   every answer of the other port ends after a third, and Range is not understood
  slow     the first answer of the other port stops in the middle
  wrong    one byte is another
  more     one byte too many
  busy     two requests in a row get 429, the third is answered
  limit    429 for ever          down     503 for ever
  private  for the token hf_good alone; others hear 401, as of models that are not there
  gated    401 or 403, GatedRepo
  huge     a size that no disk has
  nohash   an ETag that is no hash
  loop     redirects for ever
  file     redirects to a file of the machine
  names    a file called ../../evil
  commit   a commit called ../../evil
  html     a page instead of JSON
"""

import hashlib
import http.server
import json
import os
import sys
import threading
import time

COMMITS = {"main": "a" * 40, "v2": "b" * 40, "refs/pr/1": "c" * 40}
ORGANISATIONS = ("good drop cut always slow wrong more busy limit down private huge nohash loop file names commit "
                 "html").split()
LARGE = (".safetensors", ".bin", ".h5")


def read_files(folder):
    files = {}
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            with open(path, "rb") as file:
                files[name] = file.read()
    files["1_Pooling/config.json"] = b'{"pooling_mode_cls_token": true}\n'
    files["README.md"] = "# 작은 모델\n".encode()
    return files


def hash_of(name, content):
    if name.endswith(LARGE):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Hub:
    def __init__(self, folder, model):
        self.log_path = os.path.join(folder, "log")
        self.files = read_files(model)
        self.counts = {}
        self.lock = threading.Lock()
        self.ports = None

    def of(self, repository):
        """The files of a model."""
        files = dict(self.files)
        weights = files["model.safetensors"]
        name = repository.split("/")[1]
        if name in ("sharded", "bin", "keras"):
            del files["model.safetensors"]
        if name == "sharded":
            shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
            index = {"weight_map": {"a": shards[0], "b": shards[1], "c": shards[0]}}
            files.update({shards[0]: weights, shards[1]: weights[:-1], "model-00003-of-00003.safetensors": b"unused"})
            files["model.safetensors.index.json"] = json.dumps(index).encode()
            files["pytorch_model.bin"] = b"another format"
        if name == "bin":
            files["pytorch_model.bin"] = weights
        if name == "keras":
            files["tf_model.h5"] = weights
        if name == "empty":
            files["added_tokens.json"] = b""
        return files

    def count(self, key):
        with self.lock:
            self.counts[key] = self.counts.get(key, 0) + 1
            return self.counts[key]

    def log(self, line):
        with self.lock, open(self.log_path, "a", encoding="utf-8") as file:
            file.write(line + "\n")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    hub = None

    def log_message(self, *_):
        pass

    def answer(self, code, body=b"", **headers):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def fail(self, code, error, message):
        self.answer(code, json.dumps({"error": message}).encode(), X_Error_Code=error, X_Error_Message=message)

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        is_hub = self.server.server_port == self.hub.ports[0]
        range_asked = self.headers.get("Range", "-")
        port = "hub" if is_hub else "other"
        self.hub.log(f"{port} {self.command} {self.path} {range_asked} {self.headers.get('Authorization', '-')}")
        path = self.path.split("?")[0].strip("/").split("/")
        try:
            if is_hub:
                self.serve_hub(path)
            else:
                self.serve_bytes(path[0] + "/" + path[1], "/".join(path[2:]))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    # ── the hub ──────────────────────────────────────────────────────────────────────────────────

    def serve_hub(self, path):
        if path[:2] == ["api", "models"] and len(path) == 6 and path[4] == "revision":
            return self.serve_list("/".join(path[2:4]), path[5].replace("%2F", "/"))
        if path[:3] == ["api", "resolve-cache", "models"]:
            return self.serve_bytes("/".join(path[3:5]), "/".join(path[6:]))
        if len(path) >= 5 and path[2] == "resolve":
            return self.serve_file("/".join(path[:2]), path[3], "/".join(path[4:]))
        return self.fail(404, "", "Not Found")

    def is_refused(self, repository):
        """Whether a model is not given, in which case that is answered."""
        organisation = repository.split("/")[0]
        token = self.headers.get("Authorization", "")
        if token not in ("", "Bearer hf_good"):
            self.fail(401, "", "Invalid credentials in Authorization header")
        elif organisation == "private" and token == "":
            self.fail(401, "RepoNotFound", "Invalid username or password.")
        elif organisation == "gated":
            self.fail(401 if token == "" else 403, "GatedRepo", "Access to this model is restricted.")
        elif organisation in ORGANISATIONS:
            return False
        elif token == "":
            self.fail(401, "RepoNotFound", "Invalid username or password.")
        else:
            self.fail(404, "RepoNotFound", "Repository not found")
        return True

    def serve_list(self, repository, revision):
        organisation = repository.split("/")[0]
        if self.is_refused(repository):
            return None
        if organisation == "limit" or (organisation == "busy" and self.hub.count(repository) % 3 != 0):
            return self.answer(429, b"", Retry_After=0)
        if organisation == "down":
            return self.answer(503, b"", Retry_After=0)
        if organisation == "html":
            return self.answer(200, b"<html><body>Welcome</body></html>")
        if organisation == "file":
            return self.answer(302, Location="file:///etc/passwd")
        if organisation == "loop" or repository == "good/old":
            to = repository if organisation == "loop" else "good/tiny"
            return self.answer(307, Location=f"/api/models/{to}/revision/{revision}")
        commit = COMMITS.get(revision, revision if revision in COMMITS.values() else None)
        if commit is None:
            return self.fail(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        names = sorted(self.hub.of(repository))
        if organisation == "names":
            names.append("../../evil")
        if organisation == "commit":
            commit = "../../evil"
        body = {"id": repository, "sha": commit, "siblings": [{"rfilename": name} for name in names]}
        return self.answer(200, json.dumps(body).encode(), Content_Type="application/json")

    def serve_file(self, repository, revision, name):
        organisation = repository.split("/")[0]
        if self.is_refused(repository):
            return None
        if repository == "good/old":
            return self.answer(307, Location=f"/good/tiny/resolve/{revision}/{name}")
        content = self.hub.of(repository).get(name)
        commit = COMMITS.get(revision, revision)
        if content is None:
            return self.fail(404, "EntryNotFound", "Entry not found")
        etag = hash_of(name, content) if organisation != "nohash" else "5d41402a-7"
        size = len(content) if organisation != "huge" else 1 << 60
        if name.endswith(LARGE):
            other = f"http://localhost:{self.hub.ports[1]}/{repository}/{name}?Signature=abc"
            return self.answer(302, b"Found", X_Repo_Commit=commit, X_Linked_Etag=f'"{etag}"', X_Linked_Size=size,
                               Location=other)
        if name == "vocab.txt":
            return self.answer(307, b"Moved", ETag='"of-the-redirect"', X_Repo_Commit=commit,
                               Location=f"/api/resolve-cache/models/{repository}/{commit}/{name}")
        return self.serve_bytes(repository, name)

    # ── bytes ────────────────────────────────────────────────────────────────────────────────────

    def serve_bytes(self, repository, name):
        organisation = repository.split("/")[0]
        content = self.hub.of(repository)[name]
        headers = {"ETag": f'W/"{hash_of(name, content)}"' if organisation != "nohash" else '"5d41402a-7"'}
        code, first = 200, 0
        asked = self.headers.get("Range")
        large = name.endswith(LARGE)
        if large and organisation == "wrong":
            content = content[:-1] + bytes([content[-1] ^ 1])
        if large and organisation == "more":
            content += b"x"
        if asked is not None and organisation not in ("cut", "always"):
            first = int(asked.removeprefix("bytes=").rstrip("-"))
            if first >= len(content):
                return self.answer(416, b"", Content_Range=f"bytes */{len(content)}")
            code = 206
            headers["Content_Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
        body = content[first:]
        if large and organisation in ("drop", "cut", "always", "slow"):
            return self.serve_part(code, body, repository, headers)
        return self.answer(code, body, **headers)

    def serve_part(self, code, body, repository, headers):
        """An answer that promises more than comes, the first time or always."""
        organisation = repository.split("/")[0]
        asked = self.hub.count("bytes of " + repository)
        if organisation == "slow":
            part = body[:len(body) // 2] if asked == 1 else body
        else:
            part = body[:len(body) // 3] if asked % 2 == 1 or organisation == "always" else body
        self.answer(code, part, Content_Length=len(body), Retry_After=0, **headers)
        if len(part) < len(body):
            self.close_connection = True
            self.wfile.flush()
            if organisation == "slow":
                time.sleep(20)
        return None


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def main():
    folder, model = sys.argv[1:]
    hub = Hub(folder, model)
    Handler.hub = hub
    servers = [Server(("127.0.0.1", 0), Handler) for _ in range(2)]
    hub.ports = [server.server_port for server in servers]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    with open(os.path.join(folder, "ports.new"), "w", encoding="utf-8") as file:
        file.write(f"{hub.ports[0]} {hub.ports[1]}\n")
    os.rename(os.path.join(folder, "ports.new"), os.path.join(folder, "ports"))
    sys.stdin.read()  # ends with the script that started it


main()

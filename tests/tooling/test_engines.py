"""Finding an engine: source at hand, Odoo's archive, Debian's mirror as the machine names it."""

import http.server
import io
import tarfile
import threading

import pytest

from tools.devkit import debian, engines
from tools.devkit.console import DevkitError

RELEASE = "RELEASE_LEVELS = [ALPHA, FINAL] = ['alpha', 'final']\nversion_info = ({}, {}, 0, FINAL, 0, '')\n"


def source_tree(home, series="17.0"):
    """A directory that looks like Odoo's source as far as the devkit looks."""
    major, minor = series.split(".")
    (home / "odoo" / "addons" / "base").mkdir(parents=True)
    (home / "odoo" / "release.py").write_text(RELEASE.format(major, minor))
    return home


def nightly_archive(series="17.0", top="odoo-17.0.post20261120") -> bytes:
    """An archive laid out like Odoo's nightly source: setup.py, and all addons in odoo/addons."""
    major, minor = series.split(".")
    files = {
        "setup.py": "",
        "PKG-INFO": "Name: odoo\n",
        "odoo/__init__.py": "",
        "odoo/release.py": RELEASE.format(major, minor),
        "odoo/addons/base/__manifest__.py": "{}",
        "odoo/addons/web/__manifest__.py": "{}",
        "odoo/addons/purchase/__manifest__.py": "{}",
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """No engine at hand, and downloads go to a directory of the test's own."""
    monkeypatch.delenv("ODOO_HOME", raising=False)
    monkeypatch.setattr(engines, "DEFAULT_HOME", tmp_path / "nothing")
    monkeypatch.setattr(engines, "DOWNLOADS", tmp_path / "downloads")
    monkeypatch.setattr(engines, "ARCHIVE_HOME", tmp_path / "engines" / "17.0-archive")
    return tmp_path


@pytest.fixture
def archive_server(monkeypatch):
    """Serves the bytes in ``server.body`` on loopback as Odoo's archive."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = self.server.body
            self.server.asked += 1
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(self.server.promised or len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments):
            """Quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.body, server.asked, server.promised = nightly_archive(), 0, 0
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("ODOO_ARCHIVE_URL", f"http://127.0.0.1:{server.server_port}/odoo_17.0.latest.tar.gz")
        yield server
        server.shutdown()


def test_source_named_by_odoo_home_comes_first(tmp_path, monkeypatch):
    home = source_tree(tmp_path / "odoo")
    monkeypatch.setenv("ODOO_HOME", str(home))
    engine = engines.find()
    assert (engine.series, engine.source) == ("17.0", home)


def test_odoo_home_of_another_series_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("ODOO_HOME", str(source_tree(tmp_path / "odoo", "16.0")))
    with pytest.raises(DevkitError, match=r"is Odoo 16\.0; the suite needs 17\.0"):
        engines.find()


def test_odoo_home_without_odoo_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("ODOO_HOME", str(tmp_path))
    with pytest.raises(DevkitError, match="no Odoo source tree"):
        engines.find("17.0")


def test_unknown_series_is_refused():
    with pytest.raises(DevkitError, match=r"ENGINE=18\.0 is not known"):
        engines.find("18.0")


def test_official_archive_is_fetched_once(elsewhere, archive_server):
    engine = engines.find()
    assert engine.series == "17.0"
    assert "odoo-17.0.post20261120" in engine.origin
    assert engine.core_addons == [engine.source / "odoo" / "addons"]
    assert engines.find().source == engine.source
    assert archive_server.asked == 1
    assert not list((elsewhere / "downloads").iterdir()), "the archive is not kept"


def test_archive_of_another_series_is_refused(elsewhere, archive_server):
    archive_server.body = nightly_archive("18.0")
    with pytest.raises(DevkitError, match=r"holds Odoo 18\.0"):
        engines.find("17.0")
    assert not engines.can_have_17()


def test_damaged_archive_is_refused(elsewhere, archive_server):
    archive_server.body = nightly_archive()[:200]
    with pytest.raises(DevkitError, match="no readable archive"):
        engines.find("17.0")


def test_archive_that_breaks_off_is_not_used(elsewhere, archive_server, capsys):
    archive_server.promised = len(archive_server.body) + 100
    with pytest.raises(DevkitError, match=r"No Odoo 17\.0 source"):
        engines.find("17.0")


def test_without_archive_debian_is_next(elsewhere, archive_server, monkeypatch):
    archive_server.body = b""
    monkeypatch.setattr(engines, "debian_19", lambda: "Debian's 19.0")
    assert engines.find() == "Debian's 19.0"


def test_forced_17_without_any_source_says_what_to_do(elsewhere, archive_server):
    archive_server.body = b""
    with pytest.raises(DevkitError, match="make … ODOO_HOME="):
        engines.find("17.0")


def test_download_with_a_wrong_hash_is_removed(tmp_path):
    package = tmp_path / "odoo-19.deb"
    package.write_bytes(b"not what was promised")
    with pytest.raises(DevkitError, match="sha256"):
        engines._check_hash(package, "0" * 64)
    assert not package.exists()


DEB822 = """\
Types: deb
# a comment
URIs: http://mirror.example.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example.org/debian-security
Suites: bookworm-security
Components: main
"""


def test_mirror_is_read_from_deb822_sources(tmp_path):
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / "debian.sources").write_text(DEB822)
    assert debian.mirror(tmp_path) == debian.Mirror(
        "http://mirror.example.org/debian", "/usr/share/keyrings/debian-archive-keyring.gpg"
    )


def test_mirror_is_read_from_a_one_line_source(tmp_path):
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(
        "# deb http://old.example.org/debian bookworm main\n"
        "deb http://mirror.example.org/debian-security bookworm-security main\n"
        "deb [arch=amd64 signed-by=/etc/key.gpg] http://mirror.example.org/debian/ bookworm main\n"
    )
    assert debian.mirror(tmp_path) == debian.Mirror("http://mirror.example.org/debian/", "/etc/key.gpg")


def test_sources_without_a_mirror_say_so(tmp_path):
    with pytest.raises(DevkitError, match="No Debian mirror"):
        debian.mirror(tmp_path)

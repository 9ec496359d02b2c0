"""The compose file cannot be started here; that what it names exists can be checked."""

import ast
import configparser
import re
import shutil
import subprocess

import pytest
import yaml

from tools.devkit import addons
from tools.devkit.paths import ADDONS, ROOT

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
LONG_RUNNING = {"db", "odoo", "n8n"}
# Secrets of webhook subscriptions: Odoo makes them, and n8n takes nothing until they are set.
SHOWN_BY_ODOO = {f"DISTRIBUTION_{name}_SECRET" for name in ("APPROVALS", "ORDERS", "ALERTS", "REPORTS")}


def bind_mounts(service: dict) -> dict[str, str]:
    """Mounted place → path in the checkout."""
    mounts = (volume.split(":") for volume in service.get("volumes", []))
    return {mount[1]: mount[0] for mount in mounts if mount[0].startswith("./")}


def test_services():
    assert set(SERVICES) == LONG_RUNNING | {"install"}
    assert SERVICES["db"]["image"] == "postgres:16"
    dockerfile = (ROOT / SERVICES["odoo"]["build"]["dockerfile"]).read_text()
    assert re.search(r"^FROM odoo:17", dockerfile, re.M)
    assert SERVICES["n8n"]["image"].startswith("n8nio/n8n:")


def test_every_mounted_path_exists():
    for name, service in SERVICES.items():
        for path in bind_mounts(service).values():
            assert (ROOT / path).exists(), f"{name} mounts {path}"


def test_every_named_volume_is_declared():
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source.startswith("./") or source in COMPOSE["volumes"]


@pytest.mark.parametrize("name", sorted(LONG_RUNNING))
def test_health_checks_and_restart(name):
    assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_ports_are_bound_to_loopback():
    for service in SERVICES.values():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), port
    assert not SERVICES["db"].get("ports"), "the database needs none"


def test_secrets_come_from_the_environment_and_are_required():
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if name in SHOWN_BY_ODOO:
                assert value == f"${{{name}:-}}", f"{name} is not there before Odoo runs"
            elif re.search(r"PASSWORD|KEY|SECRET", name):
                assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", str(value)), f"{name} is not a required secret"
    asked = set(re.findall(r"\$\{(\w+):\?", (ROOT / "docker-compose.yml").read_text()))
    template = (ROOT / "deploy/env.example").read_text()
    for name in asked:
        assert re.search(rf"^{name}=$", template, re.M), f"deploy/env.example lacks an empty {name}"


def test_modules_exist_and_the_demo_company_is_not_among_them():
    names = SERVICES["install"]["environment"]["SUITE_ADDONS"].split(",")
    assert names
    for name in names:
        assert (ADDONS / name / "__manifest__.py").exists(), name
    assert addons.DEMO_ADDON not in names
    assert addons.DEMO_ADDON not in addons.closure(names)
    bridges = {name for name in addons.all_addons() if addons.manifest(ADDONS / name).get("auto_install")}
    assert set(names) == set(addons.testable_addons()) - bridges, "every addon is deployed; bridges install themselves"


def test_odoo_conf_matches_the_mounts():
    settings = configparser.ConfigParser()
    settings.read(ROOT / "odoo.conf")
    options = settings["options"]
    mounts = bind_mounts(SERVICES["odoo"])
    assert mounts[options["addons_path"]] == "./addons"
    assert mounts["/etc/odoo/odoo.conf"] == "./odoo.conf"
    assert f"odoo-data:{options['data_dir']}" in SERVICES["odoo"]["volumes"]
    assert options.getboolean("proxy_mode")
    assert not options.getboolean("list_db")
    assert options.getint("workers") >= 2
    ports = " ".join(SERVICES["odoo"]["ports"])
    assert f":{options['gevent_port']}" in ports
    assert "password" not in " ".join(options).replace("admin_passwd", "password")


def test_install_script_knows_the_mounted_paths():
    script = bind_mounts(SERVICES["install"])
    command = SERVICES["install"]["command"]
    assert script[command[-1]] == "./deploy/install.py"
    source = (ROOT / "deploy/install.py").read_text()
    constants = {
        node.targets[0].id: ast.unparse(node.value) for node in ast.parse(source).body if isinstance(node, ast.Assign)
    }
    assert "/mnt/extra-addons" in constants["ADDONS"]
    assert addons.DEMO_ADDON in constants["NEVER"]


def test_dockerfile_installs_what_the_addons_import():
    dockerfile = (ROOT / "deploy/Dockerfile").read_text()
    assert "COPY requirements.txt" in dockerfile
    pinned = {
        re.split(r"[=<>~\[]", line)[0].lower()
        for line in (ROOT / "requirements.txt").read_text().splitlines()
        if line and not line.startswith("#")
    }
    for name in addons.all_addons():
        for package in addons.manifest(ADDONS / name).get("external_dependencies", {}).get("python", []):
            assert package.lower() in pinned, f"{name} needs {package}: add it to requirements.txt"


def test_docker_compose_accepts_it(tmp_path):
    if shutil.which("docker-compose"):
        compose = ["docker-compose"]
    else:
        compose = ["docker", "compose"]
    found = shutil.which(compose[0]) and not subprocess.run([*compose, "version"], capture_output=True).returncode
    if not found:
        # Without the program, at least the file's own references have to resolve.
        for service in SERVICES.values():
            for needed in service.get("depends_on", {}):
                assert needed in SERVICES
            for network in service.get("networks", []):
                assert network in COMPOSE["networks"]
        return
    secrets = re.sub(r"^(\w+)=$", r"\1=secret", (ROOT / "deploy/env.example").read_text(), flags=re.M)
    (tmp_path / "env").write_text(secrets)
    command = [*compose, "-f", str(ROOT / "docker-compose.yml"), "--env-file", str(tmp_path / "env"), "config", "-q"]
    answer = subprocess.run(command, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr

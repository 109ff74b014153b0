"""What the command that starts a server is made of."""

from pathlib import Path

from stages.servers.completions import filled


def test_braces_of_json_stay_as_they_are():
    command = '--model {folder} --port {port} --compilation-config {"level": 3} --served-model-name {name}'
    assert filled(command, Path("data/models/m-role-1"), 8123) == (
        '--model data/models/m-role-1 --port 8123 --compilation-config {"level": 3} --served-model-name m-role-1'
    )

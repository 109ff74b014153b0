import asyncio
import subprocess
import sys
from pathlib import Path

from stages.chat_models.claims import Claims

KEY = "ab" * 32
HOLDER = (
    "import asyncio, sys, time; from pathlib import Path; from stages.chat_models.claims import Claims\n"
    "async def main():\n"
    "    async with Claims(Path(sys.argv[1])).held(sys.argv[2]): print('held', flush=True); time.sleep(60)\n"
    "asyncio.run(main())\n"
)


def test_the_same_key_is_held_once_and_others_are_free(tmp_path: Path) -> None:
    events: list[str] = []

    async def hold(claims: Claims, key: str, name: str) -> None:
        async with claims.held(key):
            events.append(f"{name} in")
            await asyncio.sleep(0.02)
            events.append(f"{name} out")

    async def main() -> None:
        claims = Claims(tmp_path)
        await asyncio.gather(hold(claims, KEY, "a"), hold(claims, KEY, "b"), hold(claims, "cd" * 32, "c"))

    asyncio.run(main())
    assert events.index("a out") < events.index("b in")
    assert events.index("c in") < events.index("a out")


def test_a_claim_dies_with_its_process_and_not_before(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path), KEY], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"

    async def claim(seconds: float) -> bool:
        claims = Claims(tmp_path)
        try:
            async with asyncio.timeout(seconds), claims.held(KEY):
                return True
        except TimeoutError:
            return False
        finally:
            claims.close()

    assert not asyncio.run(claim(0.3))
    holder.kill()
    holder.wait()
    assert asyncio.run(claim(60.0))

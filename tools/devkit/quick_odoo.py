"""Odoo as it is started for tests: whatever hashes a password does so in one round.

Odoo hashes in 600,000 rounds, a third of a second each time, and tests make some thousand users. On 19.0
its own tests do without; here 17.0 and the servers that tests look at do so too. Nothing but tests is
started in this way.
"""

import sys


def main() -> None:
    """Start Odoo with the options of this process."""
    from odoo.cli import command
    from passlib.context import CryptContext

    from odoo.addons.base.models import res_users

    # Passwords that were hashed in many rounds are accepted as they are.
    quick = CryptContext(["pbkdf2_sha512", "plaintext"], deprecated=["auto"], pbkdf2_sha512__default_rounds=1)
    users = getattr(res_users, "ResUsers", None) or res_users.Users
    users._crypt_context = lambda _self: quick
    sys.argv[0] = "odoo"
    command.main()


if __name__ == "__main__":
    main()

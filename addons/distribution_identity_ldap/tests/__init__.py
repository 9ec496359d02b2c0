from . import test_ldap_sign_in

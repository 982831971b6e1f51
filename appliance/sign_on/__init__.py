"""What is spoken with a customer's identity provider: OpenID Connect and LDAP. Knows no database and no request."""

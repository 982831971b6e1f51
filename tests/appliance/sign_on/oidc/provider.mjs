// A certified OpenID provider for the tests. Reads one JSON object from its first argument:
// {port, clients, people: {login: {claims}}, keys, second_factor}; prints "ready" when it listens.
import Provider from "oidc-provider";

const told = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${told.port}`;

const provider = new Provider(issuer, {
  clients: told.clients,
  jwks: { keys: told.keys },
  claims: { openid: ["sub"], profile: ["name"], email: ["email", "email_verified"], groups: ["groups", "amr"], acr: null, sid: null, auth_time: null },
  conformIdTokenClaims: false,
  cookies: { keys: ["of the tests"] },
  enabledJWA: { idTokenSigningAlgValues: ["RS256", "ES256", "EdDSA", "PS256"] },
  features: {
    devInteractions: { enabled: true },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      // the provider's own page wants a font from the internet
      logoutSource: (ctx, form) => {
        ctx.body = `<!DOCTYPE html><title>Log out</title>${form}<button type="submit" form="op.logoutForm" name="logout" value="yes">Yes, sign me out</button>`;
      },
      postLogoutSuccessSource: (ctx) => {
        ctx.body = "<!DOCTYPE html><title>Logged out</title>";
      },
    },
  },
  pkce: { required: () => true, methods: ["S256"] },
  findAccount: (ctx, login) => {
    const person = told.people[login];
    return person && { accountId: login, claims: () => ({ sub: login, ...person }) };
  },
  // the test's people have agreed to everything
  loadExistingGrant: async (ctx) => {
    const { client, session } = ctx.oidc;
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope("openid profile email groups");
    await grant.save();
    return grant;
  },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  renderError: (ctx, out) => {
    ctx.type = "text";
    ctx.body = JSON.stringify(out);
  },
});

provider.listen(told.port, "127.0.0.1", () => console.log("ready"));

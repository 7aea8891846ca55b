/** A real OpenID provider on loopback, and people who sign in at it as a browser would. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair } from 'jose';

const CLIENT = 'the app of the shop';
const CALLBACK = 'https://shop.example/callback';

export interface OpenIdProvider {
  /** An access token for whoever signs in so: authorization code flow with PKCE, for an audience. */
  signIn(login: string, audience: string): Promise<string>;
  stop(): Promise<void>;
}

/** @param people by login, with the claims that their tokens get */
export async function startOpenIdProvider(port: number, people: Record<string, object>): Promise<OpenIdProvider> {
  const quiet = () => {}; // it warns of what is right in a test: that it keeps all in memory and has forms of its own
  Object.assign(console, { info: quiet, warn: quiet });
  const { Provider } = await import('oidc-provider');
  const issuer = `http://127.0.0.1:${port}`;
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const provider = new Provider(issuer, {
    clients: [{ client_id: CLIENT, redirect_uris: [CALLBACK], token_endpoint_auth_method: 'none' }],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig' }] },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    findAccount: (_, accountId) => ({ accountId, claims: async () => ({ sub: accountId }) }),
    extraTokenClaims: (_, token) => ('accountId' in token ? { ...people[token.accountId] } : {}),
    features: {
      devInteractions: { enabled: true }, // its own forms of sign-in and consent
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, audience) => ({ scope: 'rent', audience, accessTokenFormat: 'jwt' }),
      },
    },
  });
  const server = createServer(provider.callback()).listen(port, '127.0.0.1');
  await once(server, 'listening');

  return {
    signIn: (login, audience) => signIn(issuer, login, audience),
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function signIn(issuer: string, login: string, resource: string): Promise<string> {
  const verifier = randomBytes(32).toString('base64url');
  const question = new URLSearchParams({
    client_id: CLIENT,
    redirect_uri: CALLBACK,
    response_type: 'code',
    scope: 'openid rent',
    resource,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  const code = await browse(`${issuer}/auth?${question}`, login);
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: CLIENT,
      redirect_uri: CALLBACK,
      code,
      code_verifier: verifier,
      resource,
    }),
  });
  const { access_token: token, ...rest } = (await answer.json()) as { access_token?: string };
  if (!token) throw new Error(`The provider gives no token: ${JSON.stringify(rest)}`);
  return token;
}

/** Follows redirections and fills in forms, until it is sent back to the shop. Answers the code it brings. */
async function browse(start: string, login: string): Promise<string> {
  const cookies = new Map<string, string>();
  let url = start;
  let form: URLSearchParams | undefined;
  for (let pages = 0; pages < 20; pages++) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(url, {
      redirect: 'manual',
      headers: { cookie },
      ...(form && { method: 'POST', body: form }),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [name = '', value = ''] = line.split(';', 1)[0]?.split('=') ?? [];
      cookies.set(name, value);
    }
    const page = await answer.text();
    const to = answer.headers.get('location');
    const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1];
    if (to?.startsWith(CALLBACK)) {
      const code = new URL(to).searchParams.get('code');
      if (!code) throw new Error(`The provider sends back without a code: ${to}`);
      return code;
    }
    if (to) [url, form] = [new URL(to, url).href, undefined];
    else if (prompt) form = new URLSearchParams({ prompt, login, password: 'any' });
    else throw new Error(`The provider shows HTTP status ${answer.status}: ${page}`);
  }
  throw new Error('The provider sends round in circles');
}

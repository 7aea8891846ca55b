/** Access tokens, verified with keys that come by HTTP. */
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { json, listen, text } from './http.ts';
import { createLog } from './log.ts';
import { createTokenVerifier, TOKEN_ALGORITHM, TOKEN_AUDIENCE, TOKEN_ISSUER } from './tokens.ts';

test('while the keys cannot be read a token is neither good nor bad', async () => {
  const { privateKey, publicKey } = await generateKeyPair(TOKEN_ALGORITHM, { crv: 'Ed25519' });
  const key = { ...(await exportJWK(publicKey)), alg: TOKEN_ALGORITHM, kid: 'test' };
  const answers = [503, 200, 'keys'];
  let answer = answers.shift();
  const http = await listen({
    host: '127.0.0.1',
    port: 0,
    log: createLog('test', 'silent'),
    routes: {
      '/keys': async (_, response) =>
        answer === 'keys' ? json(response, 200, { keys: [key] }) : text(response, Number(answer), 'no keys'),
    },
    notReady: async () => null,
  });
  const token = await new SignJWT({ roles: ['CUSTOMER'] })
    .setProtectedHeader({ alg: TOKEN_ALGORITHM, kid: 'test' })
    .setSubject('anna')
    .setIssuer(TOKEN_ISSUER)
    .setAudience(TOKEN_AUDIENCE)
    .setExpirationTime('1 minute')
    .sign(privateKey);

  try {
    for (; answer !== 'keys'; answer = answers.shift()) {
      const verify = createTokenVerifier(`http://127.0.0.1:${http.port}/keys`);
      await expect(verify(`Bearer ${token}`)).rejects.toMatchObject({ extensions: { code: 'SERVICE_UNAVAILABLE' } });
    }
    const verify = createTokenVerifier(`http://127.0.0.1:${http.port}/keys`);
    expect(await verify(`Bearer ${token}`)).toMatchObject({ customerId: 'anna' });
    await expect(verify(`Bearer ${token}x`)).rejects.toMatchObject({ extensions: { code: 'UNAUTHENTICATED' } });
  } finally {
    await http.close();
  }
});

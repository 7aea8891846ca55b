/** How the page is bundled; `npm run dev:web` serves it from its sources beside a running system. */
import { defineConfig } from 'vite';

/** Of `npm start`. */
const ROUTER = 'http://127.0.0.1:4000';

export default defineConfig({
  root: import.meta.dirname,
  build: {
    target: 'es2023',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0, // the policy allows no data: but for images
  },
  server: {
    port: 5173,
    strictPort: true,
    // The router refuses other origins.
    proxy: { '/graphql': { target: ROUTER, ws: true, changeOrigin: true, rewriteWsOrigin: true } },
  },
});

/** What the router tells the page in index.html (router/page.ts). */
interface Settings {
  /** Stripe's publishable key; without it the sandbox's cards are offered. */
  stripe?: string | null;
  /** Accounts of an outside provider: nobody signs up or in here. */
  oidc?: boolean;
}

const content = document.querySelector<HTMLMetaElement>('meta[name="rentabook"]')?.content ?? '{}';
export const settings = JSON.parse(content) as Settings; // the router wrote it

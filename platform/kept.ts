/** What was worked out once and is likely to be wanted again: the values that were used last, so many of them. */
export class Kept<K, V> {
  #most: number;
  /** In the order of their last use. */
  #values = new Map<K, V>();

  constructor(most: number) {
    this.#most = most;
  }

  get(key: K): V | undefined {
    const value = this.#values.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  set(key: K, value: V): void {
    this.#values.delete(key); // and in again, at the end
    this.#values.set(key, value);
    const [oldest = key] = this.#values.keys();
    if (this.#values.size > this.#most) this.#values.delete(oldest);
  }
}

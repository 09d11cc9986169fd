/**
 * A 53-bit hash of a text, to distinguish values where no attacker tries to make two collide. Two 32-bit lanes are mixed
 * with different odd multipliers (the finishers are MurmurHash3's). A cryptographic digest costs several times as much
 * for short texts.
 */
export function textHash(text: string): number {
  let a = 0x9e3779b1;
  let b = 0x85ebca77;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x5bd1e995);
    b = Math.imul(b ^ unit, 0x27d4eb2f);
  }
  a = finish(a ^ text.length);
  b = finish(b ^ a);
  return (b & 0x1fffff) * 2 ** 32 + (a >>> 0);
}

function finish(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

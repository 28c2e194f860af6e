/** A regular expression that matches the text literally. */
export function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/**
 * Whether the whole text matches a pattern in which `*` matches any characters and `?` exactly one. Unlike a regular
 * expression, it takes at most quadratic time.
 */
export function matchesWildcards(pattern: string, text: string, ignoreCase = false): boolean {
  const [wanted, actual] = ignoreCase ? [pattern.toLowerCase(), text.toLowerCase()] : [pattern, text];
  let [position, index] = [0, 0];
  // Where to continue if the characters after the last `*` do not match.
  let retry: { readonly position: number; index: number } | undefined;
  while (index < actual.length) {
    if (wanted[position] === '*') {
      position++;
      retry = { position, index };
    } else if (position < wanted.length && (wanted[position] === '?' || wanted[position] === actual[index])) {
      position++;
      index++;
    } else if (retry) {
      position = retry.position;
      index = ++retry.index;
    } else {
      return false;
    }
  }
  return /^\**$/.test(wanted.slice(position));
}

/** Escapes a text for HTML and XML, also in attributes. */
export function escapeMarkup(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\n': '&#10;' };
  return text.replace(/[&<>"\n]/g, (character) => entities[character]);
}

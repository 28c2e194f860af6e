/** A regular expression that matches the text literally. */
export function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** Whether the whole text matches a pattern in which `*` matches any characters and `?` exactly one. */
export function matchesWildcards(pattern: string, text: string, flags = ''): boolean {
  const expression = escapeRegExp(pattern).replaceAll('\\*', '.*').replaceAll('\\?', '.');
  return new RegExp(`^${expression}$`, `s${flags}`).test(text);
}

/**
 * Text with its phone numbers and websites as links, made of DOM nodes: what somebody wrote never becomes markup.
 */

// Service numbers (0800-2000, 0800-876 54 32), subscriber numbers (088 0767 000, 10 digits), and the short ones.
const PHONE = new RegExp(
  [
    /0[89]00[ -]?(?:\d{4}|\d{3}[ -]?\d{2}[ -]?\d{2})(?!\d)/,
    /(?:\+31[ -]?(?:\(0\)[ -]?)?[1-9]|0[1-9])(?:[ -]?\d){8}(?!\d)/,
    /\b116[ -]?\d{3}\b|\b11[23]\b/,
  ]
    .map((part) => part.source)
    .join("|"),
);
// "e-mail@website.nl" is matched as a whole first, so that its end is not taken for a website.
const EMAIL = /[\w.+-]+@[\w-]+(?:\.[\w-]+)+/;
const SITE = /https?:\/\/[^\s<>"']+|(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:nl|org|com|eu|info|net)\b(?:\/[^\s<>"']*)?/;
const LINK = new RegExp(`(${EMAIL.source})|(${SITE.source})|(${PHONE.source})`, "gi");
// "artikel 112", "€ 113", "1:113 BW" and "112 euro" are no phone numbers.
const BEFORE_NO_PHONE = /(?:[\w€$+-]|\d[.,:]|€ |\b(?:artikel|art\.|lid|euro|kamer) )$/i;
const AFTER_NO_PHONE = /^(?:[-:]?\w|[.,]\d| euro\b)/i;

/** A fragment of text nodes and links. */
export function linked(text) {
  const fragment = document.createDocumentFragment();
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const link = linkOf(match, text.slice(0, match.index), text);
    if (link === null) continue;
    fragment.append(text.slice(end, match.index), link);
    end = match.index + link.textContent.length;
  }
  fragment.append(text.slice(end));
  return fragment;
}

function linkOf(match, before, text) {
  const [found, email, site, phone] = match;
  if (email) return null;
  const link = document.createElement("a");
  if (site) {
    const shown = site.replace(/[.,;:!?)\]]+$/, "");
    link.href = "https://" + shown.replace(/^https?:\/\//i, "");
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    link.textContent = shown;
    return link;
  }
  const after = text.slice(match.index + found.length);
  if (BEFORE_NO_PHONE.test(before.slice(-12)) || AFTER_NO_PHONE.test(after)) return null;
  link.href = "tel:" + phone.replace("(0)", "").replace(/[^\d+]/g, "");
  link.textContent = phone;
  return link;
}

/** How what is scrolled to comes into sight: at once for those who asked their system for less motion, which a style sheet cannot say for it. */
export function scrolling(): ScrollBehavior {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth";
}

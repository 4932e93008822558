// Runs in a page and returns its visual flaws, one sentence each.
const flaws = [];
// Stops transitions, so that each color is the final one.
document.getAnimations().forEach((animation) => animation.finish());
const root = document.documentElement;
if (root.scrollWidth > innerWidth) {
  flaws.push(`the page is ${root.scrollWidth} px wide and the window ${innerWidth}`);
}

const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const rgb = (color) => {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = color;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
};
const luminance = (color) => {
  const [r, g, b] = rgb(color).map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const color = getComputedStyle(at).backgroundColor;
    if (rgb(color)[3] === 255) return color;
  }
  return "white";
};
const contrast = (one, other) => {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
};

const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const text = texts.currentNode.data.trim();
  const element = texts.currentNode.parentElement;
  if (!text || !element.checkVisibility()) continue;
  const ratio = contrast(getComputedStyle(element).color, ground(element));
  if (ratio < 4.5) flaws.push(`"${text}" has a contrast of ${ratio.toFixed(2)}`);
}
for (const field of document.querySelectorAll("input:not([type=hidden], [hidden])")) {
  const ratio = contrast(getComputedStyle(field).borderTopColor, ground(field.parentElement));
  if (ratio < 3) flaws.push(`the border of ${field.name} has a contrast of ${ratio.toFixed(2)}`);
}
for (const target of document.querySelectorAll("button, input:not([type=hidden], [hidden]), nav a, a.button")) {
  const { width, height } = target.getBoundingClientRect();
  if (width < 24 || height < 24) flaws.push(`"${target.textContent || target.name}" is ${width} × ${height} px`);
}
return flaws;

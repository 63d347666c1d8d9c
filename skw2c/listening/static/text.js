/* Numbers and seconds as people read them. */

export function clock(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  return position(seconds);
}

export function position(seconds) {
  const whole = Math.floor(seconds);
  const parts = [Math.floor(whole / 60) % 60, whole % 60];
  const text = `${parts[0]}:${String(parts[1]).padStart(2, "0")}`;
  const hours = Math.floor(whole / 3600);
  return hours ? `${hours}:${text.padStart(5, "0")}` : text;
}

export function span(start, end) {
  return `${position(start)} to ${position(end)}`;
}

export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

/* "rain, -wind" as [{text, minus}] */
export function wordsIn(text) {
  return text
    .split(",")
    .map((part) => part.trim())
    .map((part) => {
      const minus = /^[-−]\s*\S/.test(part);
      return { text: minus ? part.slice(1).trim() : part, minus };
    })
    .filter((part) => part.text && !/^[-−]$/.test(part.text));
}

/* A message as a line of its own: with a capital, unless a file's name leads, and a full stop. */
export function sentence(text) {
  const led = /^[a-z]+[ ,]/.test(text) ? text[0].toUpperCase() + text.slice(1) : text;
  return /[.!?:)"`]$|\n/.test(led) ? led : `${led}.`;
}

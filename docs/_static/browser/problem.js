/* An error whose message is meant for the reader of the page. */
export class Problem extends Error {}

/* Fetch a file; `missing` says what it means where it is not there. */
export async function fetchFile(address, missing, options = {}) {
  let answer = null;
  try {
    answer = await fetch(address, options);
  } catch (error) {
    throw new Problem(`${missing} (${error.message})`);
  }
  if (!answer.ok) throw new Problem(`${missing} (${answer.status} ${answer.statusText})`);
  return answer;
}

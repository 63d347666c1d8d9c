/* Texts as vectors in the space of sounds: what MiniTextEncoder does, with its tensors. */

export class Words {
  constructor(tensors) {
    const get = (name) => tensors[`words.${name}`];
    const names = new TextDecoder().decode(get("vocabulary").data).split("\n");
    this.numbers = new Map(names.map((name, number) => [name, number]));
    [this.pieces, this.scales, this.anchors] = ["pieces", "scales", "anchors"].map((x) => get(x).data);
    this.projection = get("projection").data;
    this.sharpness = get("sharpness").data[0];
    this.nSemantic = get("pieces").shape[1];
    [this.nAnchors, this.width] = get("projection").shape;
  }

  /* Numbers of the longest known pieces of each word; none of a word that is not known. */
  cut(text) {
    const words = simplify(text).match(/[a-z0-9]+/g) ?? [];
    return words.flatMap((word) => this._cutWord(word));
  }

  _cutWord(word) {
    const numbers = [];
    for (let start = 0, end = 0; start < word.length; start = end) {
      const mark = start ? "##" : "";
      for (end = word.length; end > start && !this.numbers.has(mark + word.slice(start, end)); ) end--;
      if (end === start) return [];
      numbers.push(this.numbers.get(mark + word.slice(start, end)));
    }
    return numbers;
  }

  /* The vector of a text of unit length; null where nothing in it is known. */
  embed(text) {
    const numbers = this.cut(text);
    if (!numbers.length) return null;
    const nearness = this._compareWithAnchors(this._addUp(numbers));
    const vector = new Float64Array(this.width);
    nearness.forEach((value, row) => addTo(vector, value, this.projection, row));
    return toUnitLength(vector);
  }

  _addUp(numbers) {
    const sum = new Float64Array(this.nSemantic);
    for (const number of numbers) addTo(sum, this.scales[number], this.pieces, number);
    return toUnitLength(sum);
  }

  _compareWithAnchors(vector) {
    const nearness = new Float64Array(this.nAnchors);
    return nearness.map((_, row) => {
      const anchor = this.anchors.subarray(row * vector.length, (row + 1) * vector.length);
      return Math.exp((dot(vector, anchor) - 1) * this.sharpness);
    });
  }
}

/* Whether a text has letters, digits or pictures that are passed over. */
export function hasUnreadLetters(text) {
  return /(?![\0-\x7f])[\p{L}\p{N}\p{So}]/u.test(simplify(text));
}

/* Probability of each text for a sound: a softmax of the cosines. */
export function compare(sound, texts, temperature) {
  const cosines = texts.map((text) => dot(sound, text));
  const best = Math.max(...cosines);
  const weights = cosines.map((cosine) => Math.exp((cosine - best) / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

function simplify(text) {
  return text.toLowerCase().normalize("NFKD").replace(/[\p{Mn}\p{Cf}]/gu, "");
}

function addTo(sum, factor, matrix, row) {
  const start = row * sum.length;
  for (let k = 0; k < sum.length; k++) sum[k] += factor * matrix[start + k];
}

function dot(one, other) {
  return one.reduce((sum, value, k) => sum + value * other[k], 0);
}

function toUnitLength(vector) {
  const length = Math.max(Math.sqrt(dot(vector, vector)), 1e-12);
  return vector.map((value) => value / length);
}

// Draws the charts of a report, whose data stands in the page. Tests read the state of the body.
const data = JSON.parse(document.getElementById("data").textContent);
const options = {renderer: "svg", actions: {export: true, source: false, compiled: false, editor: false}};
const draw = (id, spec) => vegaEmbed(document.getElementById(id), spec, options);
function curve() {
  const chosen = ["x", "y"].map(each => document.getElementById("curve-" + each).value);
  const relative = document.getElementById("curve-relative").checked;
  const found = data.curves.find(each => each.x == chosen[0] && each.y == chosen[1] && each.relative == relative);
  const spec = structuredClone(found.spec);
  spec.data = {values: found.rows.map(row => Object.fromEntries(found.columns.map((name, i) => [name, row[i]])))};
  return draw("curve", spec);
}
const drawn = Object.entries(data.charts).map(([id, spec]) => draw(id, spec));
if (data.curves.length) {
  drawn.push(curve());
  for (const each of ["x", "y", "relative"]) document.getElementById("curve-" + each).addEventListener("change", curve);
}
// Paper cannot be scrolled: a table that is wider becomes several, each with the columns that tell rows apart.
const paper = 850;
function parts(table) {
  const widths = [...table.tHead.rows[0].cells].map(cell => cell.offsetWidth), keys = Number(table.dataset.keys);
  const room = paper - widths.slice(0, keys).reduce((sum, width) => sum + width, 0);
  const found = [];
  let left = 0;
  for (let column = keys; column < widths.length; ++column) {
    if (found.length == 0 || left < widths[column]) { found.push([]); left = room; }
    found.at(-1).push(column);
    left -= widths[column];
  }
  return found.map(columns => new Set([...Array(keys).keys(), ...columns]));
}
function splitForPaper(table) {
  for (const columns of parts(table)) {
    const part = table.cloneNode(true);
    part.classList.add("paper");
    for (const row of part.rows) [...row.cells].forEach((cell, i) => columns.has(i) || cell.remove());
    table.before(part);
  }
  table.classList.add("screen");
}
function openForPaper() {
  document.querySelectorAll("details").forEach(each => each.open = true);
  const whole = [...document.querySelectorAll("table:not(.screen):not(.paper)")];
  whole.filter(each => each.offsetWidth > paper).forEach(splitForPaper);
}
Promise.all(drawn).then(() => document.body.dataset.state = "ready",
                        error => document.body.dataset.state = "failed: " + error);
addEventListener("beforeprint", openForPaper);

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
Promise.all(drawn).then(() => document.body.dataset.state = "ready",
                        error => document.body.dataset.state = "failed: " + error);
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach(each => each.open = true));

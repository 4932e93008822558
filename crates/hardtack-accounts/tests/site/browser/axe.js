return axe.run(document, { resultTypes: ["violations"] }).then((results) =>
  results.violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 200)} (${rule.help})`)));

// VS Code: starts `crnc lsp` for `.crn` files.
const { workspace } = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

exports.activate = () => {
  const command = workspace.getConfiguration("crn").get("command", "crnc");
  client = new LanguageClient(
    "crn",
    "crnc lsp",
    { command, args: ["lsp"] },
    { documentSelector: [{ language: "crn" }] },
  );
  return client.start();
};

exports.deactivate = () => (client ? client.stop() : undefined);

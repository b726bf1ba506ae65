// Passkeys: the one thing that a form cannot do. The button asks Belisha for a
// challenge, the browser answers it, and the answer goes back. Everything that
// matters is looked at by the server.
const bytes = s => Uint8Array.from(atob(s.replace(/-/g, "+").replace(/_/g, "/")), c => c.charCodeAt(0));
const text = b => btoa(String.fromCharCode(...new Uint8Array(b))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const keys = list => (list || []).map(k => ({...k, id: bytes(k.id)}));

async function send(path, body) {
  const answer = await fetch(path, {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)});
  const said = (answer.headers.get("Content-Type") || "").includes("json") ? await answer.json() : {};
  if (said.to) {
    location.assign(said.to);
    return null;
  }
  if (!answer.ok) throw new Error(said.error || "Something went wrong here. Load the page again.");
  return said;
}

async function make(o) {
  const p = o.publicKey;
  const made = await navigator.credentials.create({publicKey: {
    ...p, challenge: bytes(p.challenge), user: {...p.user, id: bytes(p.user.id)}, excludeCredentials: keys(p.excludeCredentials),
  }});
  const r = made.response;
  return {response: {
    clientDataJSON: text(r.clientDataJSON), attestationObject: text(r.attestationObject), transports: r.getTransports ? r.getTransports() : [],
  }, made};
}

async function show(o) {
  const p = o.publicKey;
  const made = await navigator.credentials.get({publicKey: {...p, challenge: bytes(p.challenge), allowCredentials: keys(p.allowCredentials)}});
  const r = made.response;
  return {response: {
    clientDataJSON: text(r.clientDataJSON), authenticatorData: text(r.authenticatorData), signature: text(r.signature),
    userHandle: r.userHandle && r.userHandle.byteLength ? text(r.userHandle) : undefined,
  }, made};
}

for (const box of document.querySelectorAll(".passkey")) {
  const button = box.querySelector("button"), words = box.querySelector("[role=status]");
  if (!window.PublicKeyCredential) {
    words.textContent = "This browser knows no passkeys. Use an app that shows codes.";
    continue;
  }
  words.textContent = "";
  button.hidden = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    words.textContent = "Your browser asks for the passkey now.";
    try {
      const asked = await send(box.dataset.begin, {});
      if (!asked) return;
      const {response, made} = await (box.dataset.make ? make : show)(asked);
      const name = document.querySelector("input[name=name]");
      await send(box.dataset.finish, {name: name ? name.value : "", to: box.dataset.to, credential: {
        id: made.id, rawId: text(made.rawId), type: made.type, response,
        authenticatorAttachment: made.authenticatorAttachment || undefined, clientExtensionResults: made.getClientExtensionResults(),
      }});
    } catch (e) {
      words.textContent = e.name === "NotAllowedError" ? "The passkey was not given. Press the button to try again." :
        e.name === "InvalidStateError" ? "This passkey is known here already." : e.message;
    }
    button.disabled = false;
  });
}

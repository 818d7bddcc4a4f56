"""A small operator: for each Greeting it keeps a ConfigMap with what to say, tells in the status what it has done, and takes leave of those that go."""
import kopf
from kubernetes import client, config

config.load_kube_config()
core = client.CoreV1Api()


@kopf.on.startup()
def settings(settings, **_):
    settings.persistence.finalizer = "clients.example.com/farewell"


@kopf.on.create("clients.example.com", "v1", "greetings")
def created(spec, name, namespace, body, **_):
    text = {"metadata": {"name": f"{name}-text"}, "data": {"text": f"{spec['words']} {spec['to']}"}}
    kopf.adopt(text, owner=body)
    core.create_namespaced_config_map(namespace, text)
    kopf.info(body, reason="Greeted", message=text["data"]["text"])
    return {"said": text["data"]["text"]}


@kopf.on.update("clients.example.com", "v1", "greetings", field="spec.to")
def changed(new, old, spec, name, namespace, patch, **_):
    core.patch_namespaced_config_map(f"{name}-text", namespace, {"data": {"text": f"{spec['words']} {new}"}})
    patch.status["before"] = old


@kopf.on.delete("clients.example.com", "v1", "greetings")
def gone(name, namespace, **_):
    core.create_namespaced_config_map(namespace, {"metadata": {"name": f"{name}-farewell"}})


@kopf.on.event("configmaps", labels={"clients.example.com/echo": kopf.PRESENT})
def echoed(type, name, namespace, **_):
    if type == "ADDED":
        core.patch_namespaced_config_map(name, namespace, {"data": {"echo": "heard"}})

"""What people do with the Python client: typed and dynamic objects, files, watches, leader election. Ends with 0 when all of it worked.

Usage: library.py FOLDER    the folder of definition.yaml and objects.yaml; the cluster is that of KUBECONFIG
"""
import logging
import sys
import threading

import yaml
from kubernetes import client, config, dynamic, utils, watch
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.leaselock import LeaseLock

SPACE = "clients"


def typed(core):
    """Objects of built-in kinds."""
    core.create_namespace({"metadata": {"name": SPACE}})
    made = core.create_namespaced_config_map(SPACE, client.V1ConfigMap(metadata=client.V1ObjectMeta(name="typed"), data={"a": "1"}))
    made.data["a"] = "2"
    replaced = core.replace_namespaced_config_map("typed", SPACE, made)
    assert replaced.metadata.resource_version != made.metadata.resource_version
    try:
        core.replace_namespaced_config_map("typed", SPACE, made)
        raise AssertionError("an old resourceVersion was taken")
    except client.ApiException as refused:
        assert (refused.status, refused.reason) == (409, "Conflict"), refused
    assert core.patch_namespaced_config_map("typed", SPACE, {"data": {"b": "3"}}).data == {"a": "2", "b": "3"}
    pages = core.list_namespaced_config_map(SPACE, limit=1)
    assert len(pages.items) == 1
    assert client.VersionApi().get_code().minor.startswith("36")


def files(folder, api):
    """Objects of a file, as `utils` creates them; a second time, each is told to exist."""
    utils.create_from_yaml(api, f"{folder}/objects.yaml", namespace=SPACE)
    assert client.AppsV1Api().read_namespaced_deployment("first", SPACE).spec.strategy.rolling_update.max_surge == "25%"
    assert client.CoreV1Api().read_namespaced_service("first", SPACE).spec.cluster_ip
    try:
        utils.create_from_yaml(api, f"{folder}/objects.yaml", namespace=SPACE)
        raise AssertionError("objects were created twice")
    except utils.FailToCreateError as refused:
        assert all(one.reason == "Conflict" for one in refused.api_exceptions), refused


def watched(core):
    """A watch that begins where a list ended and tells each change in order."""
    start = core.list_namespaced_config_map(SPACE).metadata.resource_version
    core.create_namespaced_config_map(SPACE, {"metadata": {"name": "watched", "labels": {"seen": "yes"}}})
    core.patch_namespaced_config_map("watched", SPACE, {"data": {"a": "b"}})
    core.delete_namespaced_config_map("watched", SPACE)
    stream = watch.Watch()
    told = []
    for event in stream.stream(
        core.list_namespaced_config_map, SPACE, label_selector="seen=yes", resource_version=start, timeout_seconds=30
    ):
        told.append(event["type"])
        if event["type"] == "DELETED":
            stream.stop()
    assert told == ["ADDED", "MODIFIED", "DELETED"], told


def dynamically(folder, api):
    """A kind that the library has never heard of."""
    with open(f"{folder}/definition.yaml", encoding="utf-8") as file:
        definition = yaml.safe_load(file)
    kinds = dynamic.DynamicClient(api)
    definitions = kinds.resources.get(api_version="apiextensions.k8s.io/v1", kind="CustomResourceDefinition")
    definitions.create(body=definition)
    for event in definitions.watch(name=definition["metadata"]["name"], timeout=30):
        if any(c.type == "Established" and c.status == "True" for c in event["object"].status.conditions or []):
            break
    greetings = kinds.resources.get(api_version="clients.example.com/v1", kind="Greeting")
    assert greetings.namespaced and "gr" in greetings.short_names
    made = greetings.create(namespace=SPACE, body={"kind": "Greeting", "apiVersion": "clients.example.com/v1",
                                                   "metadata": {"name": "one"}, "spec": {"to": "you"}})
    assert made.spec.words == "hello"
    patched = greetings.patch(namespace=SPACE, name="one", body={"spec": {"to": "them"}}, content_type="application/merge-patch+json")
    assert patched.metadata.generation == 2
    greetings.status.patch(namespace=SPACE, name="one", body={"status": {"said": True}}, content_type="application/merge-patch+json")
    applied = {"apiVersion": "clients.example.com/v1", "kind": "Greeting", "metadata": {"name": "one"}, "spec": {"to": "all"}}
    try:
        greetings.server_side_apply(namespace=SPACE, name="one", body=applied, field_manager="tests")
        raise AssertionError("another manager's field was taken without force")
    except dynamic.exceptions.ConflictError:
        pass
    mine = greetings.server_side_apply(namespace=SPACE, name="one", body=applied, field_manager="tests", force_conflicts=True)
    assert (mine.spec.to, mine.status.said) == ("all", True)
    assert [one.metadata.name for one in greetings.get(namespace=SPACE).items] == ["one"]
    greetings.delete(namespace=SPACE, name="one")
    try:
        greetings.get(namespace=SPACE, name="one")
        raise AssertionError("it is still there")
    except dynamic.exceptions.NotFoundError:
        pass
    definitions.delete(name=definition["metadata"]["name"])


class Done(Exception):
    """Ends a leader's term."""


def elected():
    """Two candidates, of which one leads at a time: the second follows when the first has gone."""
    # A leader that ends its term by an error is logged as one.
    logging.getLogger("leaderelection").setLevel(logging.CRITICAL)
    order = []

    def candidate(name):
        def lead():
            order.append(name)
            raise Done

        lock = LeaseLock("leader", SPACE, name)
        terms = electionconfig.Config(lock, lease_duration=3, renew_deadline=2, retry_period=1, onstarted_leading=lead,
                                      onstopped_leading=lambda: None)
        try:
            leaderelection.LeaderElection(terms).run()
        except Done:
            pass

    for name in ("one", "two"):
        thread = threading.Thread(target=candidate, args=(name,), daemon=True)
        thread.start()
        thread.join(timeout=60)
    assert order == ["one", "two"], order
    holder = client.CoordinationV1Api().read_namespaced_lease("leader", SPACE).spec
    assert holder.lease_duration_seconds == 3 and holder.holder_identity in ("one", "two"), holder


def main():
    config.load_kube_config()
    core, api = client.CoreV1Api(), client.ApiClient()
    typed(core)
    files(sys.argv[1], api)
    watched(core)
    dynamically(sys.argv[1], api)
    elected()
    core.delete_namespace(SPACE)


main()

internal import ControllerAttachDetach
internal import ControllerEphemeralVolume
internal import ControllerPersistentVolumeBinder
internal import ControllerPersistentVolumeExpander
internal import ControllerProvisionerLocal
internal import ControllerVolumeProtection
public import PluginAPI
internal import PluginKit

private let plugin = Plugin(
    name: "controllers-storage", version: "1.0.0",
    [
        .controller("persistentvolume-binder", PersistentVolumeBinderController.self),
        .controller("persistentvolume-attach-detach", AttachDetachController.self),
        .controller("persistentvolumeclaim-protection", PersistentVolumeClaimProtectionController.self),
        .controller("persistentvolume-protection", PersistentVolumeProtectionController.self),
        .controller("volumeattributesclass-protection", VolumeAttributesClassProtectionController.self),
        .controller("persistentvolume-expander", PersistentVolumeExpanderController.self),
        .controller("ephemeral-volume", EphemeralVolumeController.self),
        .controller("provisioner-local", ProvisionerLocalController.self),
    ])

// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func apus_plugin_entry() -> UnsafePointer<apus_plugin> { plugin.table }

import APIModel
import Testing

@testable import ControllerPersistentVolumeBinder

@Suite struct VolumePlanTests {
    private typealias Claims = ClaimPlanTests
    private static let provisioned: Value = ["pv.kubernetes.io/provisioned-by": "disks.example.com"]
    private static let delete: Value = ["persistentVolumeReclaimPolicy": "Delete"]

    @Test(
        arguments: [
            (Claims.volume("v"), nil, .phase("Available")), (Claims.volume("v", claim: Claims.reserved), nil, .phase("Available")),
            (Claims.volume("v", claim: Claims.ours), nil, .release),
            (Claims.volume("v", claim: Claims.ours), Claims.claim(), .wait),
            (Claims.volume("v", claim: Claims.ours, ["volumeMode": "Block"]), Claims.claim(), .refuse),
            (Claims.volume("v", claim: Claims.ours), Claims.claim(["volumeName": "v"]), .phase("Bound")),
            (Claims.volume("v", claim: Claims.ours), Claims.claim(["volumeName": "w"]), .unbind),
            (Claims.volume("v", claim: Claims.ours, delete), Claims.claim(["volumeName": "w"]), .unbind),
            (Claims.volume("v", claim: Claims.ours, annotations: provisioned), Claims.claim(["volumeName": "w"]), .unbind),
            (Claims.volume("v", claim: Claims.ours, delete, annotations: provisioned), Claims.claim(["volumeName": "w"]), .release),
        ] as [(Value, Value?, VolumePlan.Step)])
    func followsTheClaim(volume: Value, claim: Value?, expected: VolumePlan.Step) {
        #expect(VolumePlan.step(volume, claim: claim) == expected)
    }

    @Test func freesWhatAControllerHadBound() {
        let bound: Value = ["pv.kubernetes.io/bound-by-controller": "yes"]
        let free = VolumePlan.unbound(Claims.volume("v", claim: Claims.ours, annotations: bound))
        #expect(free["spec"]["claimRef"].isNull && free["metadata"]["annotations"].isNull)
        #expect(VolumePlan.unbound(Claims.volume("v", claim: Claims.ours))["spec"]["claimRef"] == Claims.reserved)
    }

    @Test(
        arguments: [
            ("Retain", .null, nil), ("Recycle", .null, "VolumeFailedRecycle"), ("Delete", .null, "VolumeFailedDelete"),
            ("Delete", provisioned, nil), ("Delete", ["pv.kubernetes.io/provisioned-by": "kubernetes.io/aws-ebs"], "VolumeFailedDelete"),
            ("Burn", .null, "VolumeUnknownReclaimPolicy"),
        ] as [(Value, Value, String?)])
    func saysWhatItCannotReclaim(policy: Value, annotations: Value, reason: String?) {
        let volume = Claims.volume("v", ["persistentVolumeReclaimPolicy": policy], annotations: annotations)
        #expect(VolumePlan.failure(volume)?.reason == reason)
    }
}

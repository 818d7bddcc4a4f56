extension TypeRules {
    /// How a CustomResourceDefinition converts between its versions. Fields are named as upstream names them in errors: flat.
    static let conversion: [String: Rule] = [
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceConversion": { conversion, path, errors in
            let webhook = conversion["webhook"]
            let (config, versions) = (webhook["clientConfig"], webhook["conversionReviewVersions"])
            let (configPath, versionsPath) = (path.child("webhookClientConfig"), path.child("conversionReviewVersions"))
            guard conversion["strategy"].string == "Webhook" else {
                let why = "should not be set when strategy is not set to Webhook"
                if !config.isNull { errors.append(.forbidden(configPath, why)) }
                if !versions.isEmpty { errors.append(.forbidden(versionsPath, why)) }
                return
            }
            if config.isNull {
                errors.append(.required(configPath, "required when strategy is set to Webhook"))
            } else {
                clientConfig(config, configPath, &errors)
            }
            reviewVersions(versions, versionsPath, missing: "", &errors)
        }
    ]
}

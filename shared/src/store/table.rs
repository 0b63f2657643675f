//! The table's definition, for the engines on a developer's machine. In AWS, the template declares the same.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, StreamSpecification, StreamViewType,
    builders::ProjectionBuilder,
};

use super::{Store, StoreError, keys};

/// Attribute, and its type as key.
const ATTRIBUTES: [(&str, ScalarAttributeType); 8] = [
    ("pk", ScalarAttributeType::S),
    ("sk", ScalarAttributeType::S),
    (keys::BY_STATE_PK, ScalarAttributeType::S),
    (keys::BY_STATE_SK, ScalarAttributeType::S),
    (keys::BY_EMAIL_PK, ScalarAttributeType::S),
    (keys::BY_EMAIL_SK, ScalarAttributeType::S),
    (keys::BY_DUE_PK, ScalarAttributeType::S),
    (keys::DUE_AT, ScalarAttributeType::N),
];

impl Store {
    /// Creates the table if it is not there yet. Answers whether it was created.
    pub async fn create_table(&self) -> Result<bool, StoreError> {
        let attributes = ATTRIBUTES.into_iter().filter_map(|(name, kind)| {
            AttributeDefinition::builder()
                .attribute_name(name)
                .attribute_type(kind)
                .build()
                .ok()
        });
        let stream = StreamSpecification::builder()
            .stream_enabled(true)
            .stream_view_type(StreamViewType::NewAndOldImages)
            .build()
            .ok();
        let created = self
            .client
            .create_table()
            .table_name(&self.table)
            .set_attribute_definitions(Some(attributes.collect()))
            .set_key_schema(Some(key_schema("pk", "sk")))
            .set_global_secondary_indexes(Some(indexes()))
            .billing_mode(BillingMode::PayPerRequest)
            .set_stream_specification(stream)
            .send()
            .await;
        match created {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_resource_in_use_exception()) =>
            {
                Ok(false)
            }
            Err(error) => Err(StoreError::of("CreateTable", &error)),
        }
    }
}

fn indexes() -> Vec<GlobalSecondaryIndex> {
    let index = |name, pk, sk, projection: ProjectionBuilder| {
        GlobalSecondaryIndex::builder()
            .index_name(name)
            .set_key_schema(Some(key_schema(pk, sk)))
            .projection(projection.build())
            .build()
            .ok()
    };
    [
        index(
            keys::BY_STATE,
            keys::BY_STATE_PK,
            keys::BY_STATE_SK,
            Projection::builder().projection_type(ProjectionType::All),
        ),
        index(
            keys::BY_EMAIL,
            keys::BY_EMAIL_PK,
            keys::BY_EMAIL_SK,
            keys::BY_EMAIL_HOLDS.into_iter().fold(
                Projection::builder().projection_type(ProjectionType::Include),
                ProjectionBuilder::non_key_attributes,
            ),
        ),
        index(
            keys::BY_DUE,
            keys::BY_DUE_PK,
            keys::DUE_AT,
            Projection::builder().projection_type(ProjectionType::KeysOnly),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn key_schema(pk: &str, sk: &str) -> Vec<KeySchemaElement> {
    [(pk, KeyType::Hash), (sk, KeyType::Range)]
        .into_iter()
        .filter_map(|(name, kind)| {
            KeySchemaElement::builder()
                .attribute_name(name)
                .key_type(kind)
                .build()
                .ok()
        })
        .collect()
}

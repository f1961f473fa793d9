import type {Shape} from './fields.ts'

// the fields of API v3's resources, by their reference pages: what `fields` may name, also where this stand-in has no value

const fields = (names: string): Shape => Object.fromEntries(names.split(/\s+/).filter((name) => name !== '').map((name) => [name, true]))

export const userShape = fields('kind displayName photoLink me permissionId emailAddress')

export const permissionShape: Shape = {
  ...fields(`kind id type emailAddress domain role view allowFileDiscovery displayName photoLink expirationTime deleted
    pendingOwner inheritedPermissionsDisabled`),
  permissionDetails: true, teamDrivePermissionDetails: true,
}

export const revisionShape: Shape = {
  ...fields(`kind id mimeType modifiedTime keepForever published publishAuto publishedOutsideDomain publishedLink
    originalFilename md5Checksum size exportLinks`),
  lastModifyingUser: userShape,
}

export const fileShape: Shape = {
  ...fields(`kind id name mimeType description starred trashed explicitlyTrashed trashedTime parents properties
    appProperties spaces version webContentLink webViewLink iconLink hasThumbnail thumbnailLink thumbnailVersion viewedByMe
    viewedByMeTime createdTime modifiedTime modifiedByMe modifiedByMeTime sharedWithMeTime teamDriveId driveId ownedByMe
    capabilities viewersCanCopyContent copyRequiresWriterPermission writersCanShare permissionIds hasAugmentedPermissions
    folderColorRgb originalFilename fullFileExtension fileExtension md5Checksum sha1Checksum sha256Checksum size
    quotaBytesUsed headRevisionId contentHints imageMediaMetadata videoMediaMetadata isAppAuthorized exportLinks
    shortcutDetails clientEncryptionDetails contentRestrictions linkShareMetadata labelInfo resourceKey inheritedPermissionsDisabled
    downloadRestrictions shared`),
  owners: userShape, lastModifyingUser: userShape, trashingUser: userShape, sharingUser: userShape, permissions: permissionShape,
}

export const fileListShape: Shape = {...fields('kind nextPageToken incompleteSearch'), files: fileShape}
export const permissionListShape: Shape = {...fields('kind nextPageToken'), permissions: permissionShape}
export const revisionListShape: Shape = {...fields('kind nextPageToken'), revisions: revisionShape}
export const changeListShape: Shape = {
  ...fields('kind nextPageToken newStartPageToken'),
  changes: {...fields('kind changeType type time removed fileId driveId teamDriveId drive teamDrive'), file: fileShape},
}
export const aboutShape: Shape = {
  ...fields(`kind storageQuota importFormats exportFormats maxImportSizes maxUploadSize appInstalled folderColorPalette
    driveThemes teamDriveThemes canCreateDrives canCreateTeamDrives`),
  user: userShape,
}
export const anyShape: Shape = fields('kind startPageToken space ids drives teamDrives nextPageToken')
